package aws

import (
	"context"
	"fmt"
	"strings"
)

// OrganizationAccount is an account of an organization.
type OrganizationAccount struct {
	ID        string `json:"Id"`
	Name      string
	Status    string
	State     string // what replaces Status
	Suspended bool   `json:"-"` // it is closed, or about to be
}

// maxAccountPages bounds the pages of accounts, which have 20 each.
const maxAccountPages = 2000

// Accounts lists the accounts of the organization. Only its management account and
// delegated administrators may.
func (c *Client) Accounts(ctx context.Context) (all []OrganizationAccount, err error) {
	in := map[string]string{}
	for range maxAccountPages {
		var out struct {
			Accounts  []OrganizationAccount
			NextToken string
		}
		if err := c.JSON(ctx, "organizations", "ListAccounts", "", in, &out); err != nil {
			return nil, fmt.Errorf("cannot list the accounts of the organization: %w", Explain(err))
		}
		for _, a := range out.Accounts {
			state := a.State
			if state == "" {
				state = a.Status
			}
			a.Suspended = strings.Contains(state, "SUSPENDED") || strings.Contains(state, "CLOS")
			all = append(all, a)
		}
		if out.NextToken == "" {
			return all, nil
		}
		in["NextToken"] = out.NextToken
	}
	return all, fmt.Errorf("the organization has more than %d pages of accounts; the rest is left out", maxAccountPages)
}
