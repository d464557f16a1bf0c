"""The process node: a small kubelet whose containers are processes of this machine.

It registers nodes, runs the pods that the scheduler binds to them in namespaces over an overlay of this machine's own
root, and reports their state and logs as a kubelet does. Entry point: `python -m sandbox.node`.

It leaves out what the local stack does not need: images from a registry, probes, exec, port-forward, life-cycle
hooks, CSI volumes, restart policies of single containers (sidecars). A pod that asks for one of them is told so, it is
never run as if it had it.
"""
