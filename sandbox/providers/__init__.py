"""Pulumi resource providers of the local cloud, written in Python over the engine's gRPC protocol.

`backend` and `protocol` (calls and error mapping), `wire` (values), `difference` (nested comparison) and `process` (one
plugin process) know nothing of a cloud; `aws` and `kubernetes` are the back ends.
"""
