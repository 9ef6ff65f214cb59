"""An embedded ECS for the demo, the tests and the benchmark."""
