package event

import "strings"

func init() {
	Register(Field{Name: "token_owner", Group: GroupRecord, Type: Text, OnRequest: true, From: []string{"userIdentity.userName", "responseElements.subjectFromWebIdentityToken"},
		Doc: "Whose build assumed the role with a token of GitHub, GitLab or Terraform Cloud: the organization, the group or the user there.",
		Derive: func(in Inputs) Cell {
			for i := range 2 {
				if owner := tokenOwner(in.Text(i)); owner != "" {
					return Cell{Text: owner, Set: true}
				}
			}
			return Cell{}
		}})
}

// tokenOwner reads the owner from the subject of a token, in lower case: from
// repo:OWNER/NAME:… of GitHub, project_path:GROUP/NAME:… of GitLab and
// organization:NAME:… of Terraform Cloud. It returns "" for others.
func tokenOwner(subject string) string {
	kind, rest, _ := strings.Cut(subject, ":")
	var end string
	switch kind {
	case "repo", "project_path":
		end = "/"
	case "organization":
		end = ":"
	default:
		return ""
	}
	owner, _, ok := strings.Cut(rest, end)
	if !ok {
		return ""
	}
	return strings.ToLower(owner)
}
