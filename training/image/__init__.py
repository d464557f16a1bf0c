"""The training image: one build context for every builder, and two looks at what came out of it.

`Dockerfile` and `context.py` make the image (from a base that is pinned by digest), `verify.py` runs inside it,
`layers.py` reads it as an archive. Building without any of them is the default: a public image by digest and the
program from a config map.
"""
