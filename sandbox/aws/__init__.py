"""The AWS API of the local cloud: moto's own application in one process, with the gaps our components meet filled.

`python -m sandbox.aws` serves it on 127.0.0.1. State lives in memory only: a restart starts empty, under a new boot id
(`GET /_sandbox/health`). What neither moto nor `gaps` can do is refused with the error code `NotAvailableInLocalCloud`
in the shape of the service's protocol; nothing pretends.

- `server`    the WSGI application: routing between `/_sandbox`, our gaps and moto
- `wire`      AWS protocols: requests to parameters, results and errors to replies
- `native`    moto's application, and which actions it really has
- `gaps`      the actions that moto lacks or loses data in, one module a service
- `state`     what the gaps keep in memory
- `faults`    failures on demand and call counters, for tests
- `tokens`    the Kubernetes token review of `aws eks get-token` tokens
- `coverage`  which actions are native, filled or missing
"""
