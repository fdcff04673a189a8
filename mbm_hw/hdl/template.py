"""How to instantiate a module."""

import re


def instantiation(verilog: str) -> str:
    """Return Verilog that declares a wire for each port of the first module in `verilog`, and
    instantiates it; `verilog` is text as `to_verilog` and `dot_product_to_verilog` return it.
    """
    name, ports = re.search(r"^module (\w+)\((.+)\);", verilog, flags=re.MULTILINE).groups()
    names = ports.split(", ")
    pattern = r"^ +(?:input|output) (\[\d+:0\] )?(\w+);"
    widths = {port: bits for bits, port in re.findall(pattern, verilog, flags=re.MULTILINE)}
    wires = (f"wire {widths[port]}{port};\n" for port in names)
    connections = ",\n".join(f"  .{port}({port})" for port in names)
    return "".join(wires) + f"{name} {name}_0 (\n{connections}\n);\n"
