"""The canary: it decides whether a new revision is as good as the old one."""
