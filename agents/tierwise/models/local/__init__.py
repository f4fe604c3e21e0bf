"""Local models: one GGUF in a process of its own, on llama.cpp."""
