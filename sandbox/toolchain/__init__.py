"""Gets the tools of the local cloud onto this machine: Pulumi CLI, Kubernetes program, Python of the benchmark."""
