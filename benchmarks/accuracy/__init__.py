"""`make accuracy`: the product's own functions on recordings with ground truth; see docs/accuracy.md."""
