"""How the benchmarks take times, judge them and write them down."""

from timing.page import machine as machine, write_section as write_section
from timing.rounds import Goal as Goal, Times as Times, interleaved as interleaved, judged as judged
