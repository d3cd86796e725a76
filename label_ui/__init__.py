"""Label: the voting workbench; its logic apart from its screen."""
