"""Inference: new frames for pairs, streams, folders and videos, and the evaluation against baselines."""
