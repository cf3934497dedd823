#pragma once
/* The table that libfuse calls: each entry unpacks its arguments, and names what to run. */
#include "fs/lowlevel.h"

extern const struct fuse_lowlevel_ops ops_table;
