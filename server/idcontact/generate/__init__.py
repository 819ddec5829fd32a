"""What follows from the frames of the socket protocol: TypeScript types, JSON Schema, and golden files."""
