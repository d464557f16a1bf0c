"""What the Pulumi engine needs beside its CLI to run our program on the local cloud.

`home` lays out a PULUMI_HOME of our own (provider plugins, language host) and the environment of the local stack;
`language_host` and `program` stand in for `pulumi-language-python` where the official one is missing. The provider
plugins themselves are `sandbox.providers`, the CLI comes from `sandbox.toolchain`.
"""
