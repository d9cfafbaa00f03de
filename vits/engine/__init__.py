"""Engines that speak without torch: native, onnxruntime."""
