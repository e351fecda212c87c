"""Programs as machine code, by way of LLVM."""
