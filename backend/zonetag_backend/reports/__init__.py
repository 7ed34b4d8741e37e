"""What goes out of the system as a document: workbooks, papers, notices."""
