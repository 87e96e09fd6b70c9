package fn

import "bluetrail/internal/spl/syntax"

func init() {
	compiled(conditional, "validate", "validate(<test>, <message>, …)", "The message that follows the first false condition; null when all are true.", 2, -1, compileCase(false), `validate(1=1, "a", 1=2, "b")`, `"b"`)
	gives(syntax.GivesEither, "validate")
}
