#include "client/error_body.h"
#include "tests/unit/tap.h"

static void test_bodies(void)
{
	static const struct {
		const char *body, *code, *message;
	} cases[] = {
		{"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\","
		 "\"detail\":{\"Tag\":\"1\"}}]}\n",
			"MANIFEST_UNKNOWN", "manifest unknown"},
		{"{\"errors\":[{\"code\":\"A\",\"message\":\"a\"},{\"code\":\"B\",\"message\":\"b\"}]}",
			"A", "a"},
		{"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\",\"detail\":\"quota exceeded\"}]}",
			"DENIED", "quota exceeded"},
		{"{\"errors\":[{\"code\":\"DENIED\",\"detail\":null}]}", "DENIED", ""},
		{"{\"errors\":[{\"code\":\"X\",\"message\":7,\"detail\":[1,{}]}]}", "X", ""},
		{"{\"errors\":[{\"message\":\"only words\"}]}", "", "only words"},
		{"{\"errors\":[{\"code\":\"new.code-7\"}]}", "new.code-7", ""},
		{"{\"errors\":[{\"code\":\"not a code\"}]}", "", "not a code"},
		{"{\"errors\":[{\"code\":404,\"message\":\"m\"}]}", "", "m"},
		{"{\"errors\":[{\"status\":403,\"message\":\"Forbidden\"}]}", "", "Forbidden"},
		{"{\"errors\":{\"code\":\"A\",\"message\":\"a\"}}", "A", "a"},
		{"{\"errors\":[\"plain words\"]}", "", "plain words"},
		{"{\"errors\":\"plain words\"}", "", "plain words"},
		{"{\"errors\":[]}", "", ""},
		{"{\"errors\":[null]}", "", ""},
		{"{\"errors\":null,\"message\":\"outside\"}", "", "outside"},
		{"{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}",
			"UNAUTHORIZED", "authentication required"},
		{"[{\"code\":\"A\",\"message\":\"a\"}]", "A", "a"},
		{"{\"error\":\"invalid_grant\",\"error_description\":\"token has expired\"}",
			"invalid_grant", "token has expired"},
		{"{\"error\":\"something went wrong\"}", "", "something went wrong"},
		{"{\"details\":\"incorrect username or password\"}", "",
			"incorrect username or password"},
		{"{\"error\":{\"message\":\"nested\"}}", "", ""},
		{"\"a text\"", "", "a text"},
		{"{}", "", ""},
		{"[]", "", ""},
		{"7", "", ""},
		{"null", "", ""},
		{"", "", ""},
		{" \r\n", "", ""},
		{"404 page not found\n", "", "404 page not found"},
		{"first line\r\nsecond line", "", "first line"},
		{"\n\n  indented\n", "", "indented"},
		{"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>"
		 "</body></html>",
			"", "503 Service Temporarily Unavailable"},
		{"<!DOCTYPE html><TITLE lang=\"en\">\n Bad\n gateway </TITLE>", "", "Bad gateway"},
		{"<html><body>no title</body></html>", "", ""},
		{"<title", "", ""},
		{"<title>never ends", "", ""},
		{"{\"errors\":[{\"code\":\"A\",\"mess", "", ""},
		{"{not json}", "", ""},
		{"[", "", ""},
		/* made fit for a line of a log */
		{"{\"message\":\" a\\n\\t b\\u0007\\u001b[31mc \"}", "", "a b [31mc"},
		{"{\"message\":\"\\u009b\\u2028a\\u202eb\\u2066c\"}", "", "a b c"},
		{"{\"message\":\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"}", "",
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"{\"message\":\"a\xff\xc3\"}", "", "a"},
		{"{\"message\":\"a\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80\xe2\x82z\"}", "", "a z"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error_body body;

		error_body_read(cases[i].body, strlen(cases[i].body), &body);
		is_text(body.code, cases[i].code, cases[i].body);
		is_text(body.message, cases[i].message, "its message");
	}
}

static void test_bounds(void)
{
	static char text[1 << 20];
	struct error_body body;

	memset(text, 'a', sizeof(text));
	error_body_read(text, sizeof(text), &body);
	is_number((long long)strlen(body.message), 200, "a message ends after 200 bytes");
	snprintf(text, sizeof(text), "%0199d\xc3\xbc.", 0);
	error_body_read(text, strlen(text), &body);
	is_number((long long)strlen(body.message), 199, "and between two characters");
	snprintf(text, sizeof(text), "{\"code\":\"%063d\"}", 0);
	error_body_read(text, strlen(text), &body);
	is_number((long long)strlen(body.code), 63, "the longest code");
	snprintf(text, sizeof(text), "{\"code\":\"%064d\"}", 0);
	error_body_read(text, strlen(text), &body);
	ok(!body.code[0] && strlen(body.message) == 64, "a longer one is a message");
	memset(text, '[', sizeof(text));
	error_body_read(text, sizeof(text), &body);
	ok(!body.code[0] && !body.message[0], "a deep body says nothing");
	error_body_read("a\0b", 3, &body);
	is_text(body.message, "a", "a NUL ends a text");
	error_body_read(NULL, 0, &body);
	is_text(body.message, "", "no body at all");
}

int main(void)
{
	test_bodies();
	test_bounds();
	return done();
}
