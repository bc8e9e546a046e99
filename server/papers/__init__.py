"""Papers as files: laid out as PDF, workbook and text, and handed out over HTTP."""
