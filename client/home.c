#include "client/home.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *join(const char *folder, const char *below)
{
	return *below ? must_print("%s/%s", folder, below) : must_copy(folder);
}

char *home_path(const char *below)
{
	char *set = home_variable_path("HOME", below), text[4096];
	struct passwd entry, *found = NULL;

	if (set)
		return set;
	if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found))
		found = NULL;
	return join(found && found->pw_dir && *found->pw_dir ? found->pw_dir : "/", below);
}

char *home_config_path(const char *below)
{
	char *set = home_variable_path("XDG_CONFIG_HOME", below);
	scoped(freep) char *folder = NULL;

	if (set)
		return set;
	folder = home_path(".config");
	return join(folder, below);
}

char *home_variable_path(const char *variable, const char *below)
{
	const char *value = getenv(variable);
	scoped(freep) char *here = NULL;
	scoped(freep) char *folder = NULL;

	if (!value || !*value)
		return NULL;
	here = *value == '/' ? NULL : getcwd(NULL, 0);
	folder = here ? join(here, value) : must_copy(value);
	return join(folder, below);
}
