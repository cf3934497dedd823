#pragma once
/* Numbers of YAML as texts, as Go's strconv and encoding/json print them. */
#include "client/chart_yaml.h"

enum { CHART_NUMBER_SIZE = 48 };

/* The text of a boolean or number ("" for other kinds) where a string is wanted: floats with the
 * shortest digits that tell the float32 apart, exponents below -4 and from 6 on. */
void chart_number_print(const struct chart_value *value, char text[CHART_NUMBER_SIZE]);

/* The text of a float as the key of a map. */
void chart_number_print_key(double real, char text[CHART_NUMBER_SIZE]);

/* A JSON number: the shortest digits that tell the float64 apart, exponents below -6 and from 21
 * on. */
void chart_number_print_json(double real, char text[CHART_NUMBER_SIZE]);
