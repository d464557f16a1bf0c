"""A small server for an exported model: OpenAI-compatible completions, classification, feedback.

`python -m training.serve --model DIR --port N`. The reference and test server of the trainer: requests wait for each
other and run as one batch (`batching`); a seeded answer is the same alone and in a batch. Production serving has
engines of its own (continuous batching, paged key-value caches); this has neither.
"""
