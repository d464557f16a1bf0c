"""A cloud on this machine: the AWS API, a Kubernetes control plane, simulated and real nodes, the Pulumi tools."""
