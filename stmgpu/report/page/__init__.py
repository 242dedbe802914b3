"""A result as one HTML file that works without a network: `stmgpu report`."""

from stmgpu.report.page.writing import write_page

__all__ = ["write_page"]
