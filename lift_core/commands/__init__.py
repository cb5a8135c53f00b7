"""One module per subcommand of `lift`: HELP, configure(parser) and run(args); heavy imports belong inside run."""
