package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAccounts: all pages are read, and suspended accounts are marked.
func TestAccounts(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	deny := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("X-Amz-Target") != "AWSOrganizationsV20161128.ListAccounts" || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/organizations/"):
			t.Errorf("%q %q", r.Header, body)
		case deny:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"You don't have permissions to access this resource."}`)
		case strings.Contains(string(body), "NextToken"):
			fmt.Fprint(w, `{"Accounts":[{"Id":"444455556666","Name":"old","Status":"SUSPENDED"}]}`)
		default:
			fmt.Fprint(w, `{"Accounts":[{"Id":"111122223333","Name":"main","State":"ACTIVE"}],"NextToken":"x"}`)
		}
	}))
	defer s.Close()
	c, err := New(t.Context(), Access{Region: "eu-west-1", Endpoint: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Accounts(t.Context())
	if err != nil || len(got) != 2 || got[0].ID != "111122223333" || got[0].Suspended || got[1].Name != "old" || !got[1].Suspended {
		t.Errorf("%v %+v", err, got)
	}
	deny = true
	if _, err := c.Accounts(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot list the accounts of the organization: access is denied") {
		t.Error(err)
	}
	if err := c.JSON(t.Context(), "kms", "ScheduleKeyDeletion", "", nil, nil); err == nil || !strings.Contains(err.Error(), "none of bluetrail's calls") {
		t.Error(err)
	}
}
