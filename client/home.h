#pragma once
/* Where the user's own files are. The paths are absolute, the caller's to free, and hold for the
 * process's life: the program changes its directory when it goes to the background. */

/* $HOME (where that is not set, the passwd entry's directory) and a path below it. */
char *home_path(const char *below);

/* The same below $XDG_CONFIG_HOME, else ~/.config. */
char *home_config_path(const char *below);

/* The value of a variable as an absolute path with `below` behind it (may be ""), or NULL where it
 * is not set or empty. */
char *home_variable_path(const char *variable, const char *below);
