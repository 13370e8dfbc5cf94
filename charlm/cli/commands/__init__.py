"""The commands of charlm, one file each; see ``charlm.cli.groups``."""
