"""What is said: transcript window, LangChain responder, personas, quotas."""
