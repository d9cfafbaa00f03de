"""What happens in the sandbox: each deed changes the world, tells the gateway and notes it."""
