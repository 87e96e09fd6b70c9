package fn

import "bluetrail/internal/spl/syntax"

func init() {
	compiled(conditional, "validate", "validate(<test>, <message>, …)", "The message behind the first test that is false; null when all hold.", 2, -1, compileCase(false), `validate(1=1, "a", 1=2, "b")`, `"b"`)
	gives(syntax.GivesEither, "validate")
}
