"""Summary and table of a debris study."""

from stmgpu.report.study.summary import study_summary
from stmgpu.report.study.table import print_study, study_lines, study_table

__all__ = ["print_study", "study_lines", "study_summary", "study_table"]
