"""Functions of the API on multipliers, given what they do not take."""

from collections.abc import Iterator

from .case import Case
from .specs import WRONG
from .studies import TINY

FUNCTIONS = {
    "multiply": "mh.multiply({}, 1, 2)",
    "product_table": "mh.product_table({})",
    "error_metrics": "mh.error_metrics({})",
    "to_verilog": "mh.to_verilog({})",
    "spec_name": "mh.spec_name({})",
    "convert_": "nn.convert_(torch.nn.Sequential(torch.nn.Linear(2, 2)), {})",
    "matmul": "i = torch.zeros(2, 2, dtype=torch.int8); ops.matmul(i, i, {})",
    "float_matmul": "i = torch.zeros(2, 2); ops.float_matmul(i, i, {})",
    "write_table": "write_table({}, 't.npy')",
}
NO_SPECS = {
    "None": "None",
    "a number": "8",
    "an unknown name": "'nonsense'",
    "an empty text": "''",
    "bytes": "b'mbm8s'",
    "a type": "mh.MBM",
    "a list": "['mbm8s']",
    "a text of 100,000 characters": "'m' * 100_000",
    "a text with control characters": "'mbm8s\\x1b[2J'",
}
OPERANDS = {
    "too large": "256",
    "negative": "-1",
    "a float": "1.0",
    "nan": "float('nan')",
    "None": "None",
    "text": "'5'",
    "30 digits": "10**30",
    "a list of texts": "['1']",
    "lists of different lengths": "[[1], [1, 2]]",
    "an array of objects": "np.array([None, 1])",
    "an array of fractions": "np.array([0.5])",
    "complex": "1j",
    "a mapping": "{1: 2}",
    "a date": "np.datetime64('2020-01-01')",
}
CALLS = {
    "multiply shapes that do not fit": "mh.multiply('mbm8', np.zeros(3, int), np.zeros(4, int))",
    "multiply one operand": "mh.multiply('mbm8', 1)",
    "a product table of 16 bits": "mh.product_table('mbm16')",
    "a product table of float32": "mh.product_table('mbm_fp32')",
    "Verilog of 5 stages": "mh.to_verilog('mbm8', pipeline=5)",
    "Verilog of -1 stages": "mh.to_verilog('mbm8', pipeline=-1)",
    "Verilog of a fraction of a stage": "mh.to_verilog('mbm8', pipeline=1.5)",
    "Verilog of stages in text": "mh.to_verilog('mbm8', pipeline='1')",
    "Verilog of stages of None": "mh.to_verilog('mbm8', pipeline=None)",
    "Verilog named a keyword": "mh.to_verilog('mbm8', name='module')",
    "Verilog named a number": "mh.to_verilog('mbm8', name=8)",
    "Verilog named with a line break": "mh.to_verilog('mbm8', name='a\\nb')",
    "Verilog with a zero byte": "mh.to_verilog('mbm8', name='a\\0')",
    "Verilog of a MAC's floats": "mh.to_verilog('mbm_bf16_mac')",
    "a quantizer of nobody": f"{TINY} nn.convert_(net, 'mbm8s', quantizer='nonsense')",
    "a quantizer of a number": f"{TINY} nn.convert_(net, 'mbm8s', quantizer=8)",
    "conversion to an unsigned multiplier": f"{TINY} nn.convert_(net, 'mbm8')",
    "conversion of a number": "nn.convert_(8, 'mbm8s')",
    "conversion of None": "nn.convert_(None, 'mbm8s')",
    "conversion of a type": "nn.convert_(torch.nn.Linear, 'mbm8s')",
    "conversion by a filter that is a text": f"{TINY} nn.convert_(net, 'mbm8s', filter_fn='0')",
    "calibration with nothing": f"{TINY} nn.convert_(net, 'mbm8s'); nn.calibrate_(net, [])",
    "calibration with None": f"{TINY} nn.convert_(net, 'mbm8s'); nn.calibrate_(net, None)",
    "calibration with a number": f"{TINY} nn.convert_(net, 'mbm8s'); nn.calibrate_(net, 5)",
    "calibration with texts": f"{TINY} nn.convert_(net, 'mbm8s'); nn.calibrate_(net, ['a'])",
    "calibration with nan": f"{TINY} nn.convert_(net, 'mbm8s'); "
    "nn.calibrate_(net, [torch.full((1, 1, 8, 8), torch.nan)])",
    "calibration with infinity": f"{TINY} nn.convert_(net, 'mbm8s'); "
    "nn.calibrate_(net, [torch.full((1, 1, 8, 8), torch.inf)])",
    "calibration with other channels": f"{TINY} nn.convert_(net, 'mbm8s'); "
    "nn.calibrate_(net, [torch.zeros(1, 3, 8, 8)])",
    "calibration of a network without layers": "nn.calibrate_(torch.nn.ReLU(), [torch.zeros(1)])",
    "calibration of a number": "nn.calibrate_(5, [torch.zeros(1)])",
    "coverage of a number": "nn.coverage(5, torch.zeros(1))",
    "a name of a number": "mh.find_spec(8)",
    "a table file of None": "read_table(None)",
    "a table file with a zero byte": "read_table('a\\0.csv')",
    "a table file of a number": "read_table(8)",
    "a study of None": "read_study(None)",
    "a study with a zero byte": "read_study('a\\0.yaml')",
    "a report of None": "write_report(None)",
    "a report with a zero byte": "write_report('a\\0')",
    "a checkpoint with a zero byte": "read_checkpoint('a\\0.pt')",
    "a checkpoint of None": "read_checkpoint(None)",
    "a store with a zero byte": "Store('a\\0')",
    "a store of None": "Store(None)",
    "data of None": "load_data(None)",
    "data of a list": "load_data(['digits'])",
    "a network of nothing": "load_network('')",
    "a network with a zero byte": "load_network('a\\0.py:b')",
}
FIXED_FAULTS = (OSError, ValueError, TypeError)


def cases() -> Iterator[Case]:
    for function, call in FUNCTIONS.items():
        for name, text in NO_SPECS.items():
            yield Case(name=f"{function}: a spec is {name}", call=call.format(text))
    for name, text in OPERANDS.items():
        yield Case(name=f"multiply: an operand is {name}", call=f"mh.multiply('mbm8', 1, {text})")
    for name, text in WRONG.items():
        if name != "None":
            call = f"mh.error_metrics('mbm16', samples={text})"
            yield Case(name=f"error_metrics: samples are {name}", call=call, says="samples")
        call = f"mh.error_metrics('mbm16', samples=9, seed={text})"
        yield Case(name=f"error_metrics: the seed is {name}", call=call, says="seed")
    for name, call in CALLS.items():
        yield Case(name=name, call=call, raises=FIXED_FAULTS, gibibytes=16)
