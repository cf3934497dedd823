#pragma once
/* The commands `login` and `logout`. Each takes the arguments behind its name and returns the
 * program's exit status. */
int login_run(int argc, char **argv);
int logout_run(int argc, char **argv);
