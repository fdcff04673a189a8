"""Faults of the buffer and the handshakes of a multiplier between streams."""

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import MBM
from sim.faults.planting import plant_text

STREAM = Design(MBM(8, signed=True), 2, stream=True)

plant_text("beat_lost_in_the_buffer", STREAM, "streams_is_held <= 1'h1", "streams_is_held <= 0")
plant_text(
    "beat_lost_by_a_stall", STREAM, "else if (streams_en) product_valid <=", "else product_valid <="
)
plant_text(
    "beat_repeated",
    STREAM,
    "streams_valid = operands_valid |",
    "streams_valid = product_valid | operands_valid |",
)
plant_text("beat_kept_by_a_reset", STREAM, "if (rst) product_valid <= 1'h0;\n    else if", "if")
plant_text(
    "product_valid_after_a_reset",
    STREAM,
    "if (rst) product_valid <= 1'h0",
    "if (rst) product_valid <= 1'h1",
)
plant_text(
    "buffer_read_without_its_lowest_bit",
    STREAM,
    "? streams_held[7:0] :",
    "? {streams_held[7:1], 1'h0} :",
)
plant_text(
    "stream_reset_before_the_clock",
    STREAM,
    "@(posedge clk)\n    if (rst)",
    "@(posedge clk, posedge rst)\n    if (rst)",
)
plant_text(
    "valid_reset_before_the_clock",
    STREAM,
    "@(posedge clk)\n    if (rst) product_valid",
    "@(posedge clk, posedge rst)\n    if (rst) product_valid",
)
plant_text(
    "ready_follows_the_products_ready",
    STREAM,
    "operands_ready = ~ streams_is_held",
    "operands_ready = streams_en",
)
plant_text(
    "a_bubble_each_other_clock",
    STREAM,
    "streams_en = product_ready | ",
    "streams_en = product_ready & ~product[0] | ",
)
