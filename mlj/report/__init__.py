"""What a comparison or a single run found, to be read and looked at: rows, figures, self-contained pages.

Everything is drawn from the dictionary that :func:`mlj.comparison.summarise` returns, or the same read back
from results.json: :func:`write_report` makes the page, :func:`summary_figure` one picture for a README, and
:func:`rows` the table that both share with the terminal. :func:`write_run_report` makes the page of one
trained model from its evidence. matplotlib is imported when the first figure is drawn.
"""

from mlj.report.page import write_report as write_report
from mlj.report.run_page import write_run_report as write_run_report
from mlj.report.summary_picture import summary_figure as summary_figure
from mlj.report.table import rows as rows
