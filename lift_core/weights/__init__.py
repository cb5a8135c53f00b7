"""Bundled weights, one safetensors file per preset, each with a model card beside it."""
