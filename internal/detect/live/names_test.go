package live

import "testing"

func TestNames(t *testing.T) {
	for _, c := range []struct{ raw, source, name string }{
		{` {"userIdentity":{"eventName":"no","eventSource":"no"},"eventSource":"iam.amazonaws.com","eventName":"Create\u0055ser","x":1}`, "iam.amazonaws.com", "CreateUser"},
		{`{"eventName":["A"],"eventSource":7}`, "", ""},
		{`{"eventName":"A","requestParameters":{"eventSource":"x"}}`, "", "A"},
		{`{}`, "", ""},
	} {
		if source, name := names([]byte(c.raw)); source != c.source || name != c.name {
			t.Errorf("%s: %q, %q", c.raw, source, name)
		}
	}
}
