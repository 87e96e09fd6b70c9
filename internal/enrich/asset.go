package enrich

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxAccounts bounds a table of accounts.
const maxAccounts = 1_000_000

// ReadAccounts reads a table of AWS accounts (CSV) with the columns account, name, owner,
// environment and critical, in any order; only account must be there. Lines that cannot be
// used are counted; the error is for a table without any account.
func ReadAccounts(r io.Reader) (accounts map[string]Account, faults Faults, err error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.LazyQuotes, in.Comment = -1, true, '#'
	header, err := in.Read()
	if err != nil {
		return nil, faults, errors.New("it is empty")
	}
	at := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		switch name {
		case "account_id", "id", "accountid":
			name = "account"
		}
		if _, ok := at[name]; !ok {
			at[name] = i
		}
	}
	if _, ok := at["account"]; !ok {
		return nil, faults, errors.New("its first line has no column account")
	}
	accounts = map[string]Account{}
	for {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := 0
		if len(rec) > 0 {
			line, _ = in.FieldPos(0)
		}
		if err != nil {
			faults.Add(line, "%v", err)
			continue
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(rec) {
				return Shorten(strings.TrimSpace(rec[i]), maxText)
			}
			return ""
		}
		a := Account{ID: cell("account"), Name: cell("name"), Owner: cell("owner"), Environment: cell("environment")}
		// Spreadsheets drop leading zeros.
		if n := len(a.ID); n > 0 && n < accountDigits {
			a.ID = strings.Repeat("0", accountDigits-n) + a.ID
		}
		if len(a.ID) != accountDigits || strings.Trim(a.ID, "0123456789") != "" {
			faults.Add(line, "%q is not an account, which has %d digits", Shorten(cell("account"), 40), accountDigits)
			continue
		}
		switch c := strings.ToLower(cell("critical")); c {
		case "true", "yes", "y", "1", "x":
			a.Critical = true
		case "", "false", "no", "n", "0":
		default:
			faults.Add(line, "critical is true or false, not %q", Shorten(c, 40))
			continue
		}
		if _, ok := accounts[a.ID]; ok {
			faults.Add(line, "the account %s stands in an earlier line", a.ID)
			continue
		}
		if len(accounts) == maxAccounts {
			return nil, faults, fmt.Errorf("it has more than %d accounts", maxAccounts)
		}
		accounts[a.ID] = a
	}
	if len(accounts) == 0 {
		if err := faults.Err(); err != nil {
			return nil, faults, err
		}
		return nil, faults, errors.New("it has no accounts")
	}
	return accounts, faults, nil
}

// accountDigits is how long the number of an AWS account is.
const accountDigits = 12
