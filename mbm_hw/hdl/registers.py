"""Pipeline registers that stall."""

from amaranth import Module, Signal


def registered(m: Module, enable: Signal, *signals: Signal) -> list[Signal]:
    """Return registers that take `signals` at each clock while `enable` is 1.

    They start at the signals' own initial values, and the clock domain's reset takes them back
    there whatever `enable` is. Each is called after its signal: `total_q` follows `total`.
    """
    registers = [
        Signal(signal.shape(), name=f"{signal.name}_q", init=signal.init) for signal in signals
    ]
    with m.If(enable):
        m.d.sync += [
            register.eq(signal) for register, signal in zip(registers, signals, strict=True)
        ]
    return registers
