// Opens the voting page.

new Workbench(element);
