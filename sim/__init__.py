"""Co-simulation: the exported Verilog against the bit-exact reference, in Icarus or Verilator."""
