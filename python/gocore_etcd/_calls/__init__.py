"""What the methods come to before they wait: shared by the blocking API and asyncio, one file a capability."""
