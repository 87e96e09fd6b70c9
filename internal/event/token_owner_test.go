package event

import "testing"

func TestTokenOwner(t *testing.T) {
	for subject, want := range map[string]string{
		"repo:Example/app:ref:refs/heads/main":                   "example",
		"repo:example/app:pull_request":                          "example",
		"project_path:group/sub/app:ref_type:branch:ref:main":    "group",
		"organization:acme:project:p:workspace:w:run_phase:plan": "acme",
		"system:serviceaccount:default:web":                      "",
		"repo:example":                                           "",
		"organization":                                           "",
		"alice":                                                  "",
		"":                                                       "",
	} {
		if got := tokenOwner(subject); got != want {
			t.Errorf("%q belongs to %q, want %q", subject, got, want)
		}
	}
	x := NewExtractor([]string{"token_owner"})
	row := x.NewRow()
	raw := `{"userIdentity":{"type":"AssumedRole"},"responseElements":{"subjectFromWebIdentityToken":"repo:example/app:ref:refs/heads/main"}}`
	if err := x.Extract([]byte(raw), &Meta{Sourcetype: CloudTrail}, row); err != nil || row.Cell(0).Text != "example" {
		t.Errorf("token_owner is %q, %v", row.Cell(0).Text, err)
	}
}
