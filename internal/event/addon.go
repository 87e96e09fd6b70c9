package event

import "strings"

func init() {
	Register(aliases(GroupAddon, Text, `
		signature eventName
		command eventName
		app eventType
		dvc eventSource
		region awsRegion
		vendor_region awsRegion
		reason errorMessage
		result errorMessage
		result_id errorCode
		temp_access_key responseElements.credentials.accessKeyId
		user_access_key userIdentity.accessKeyId
		user_group_id userIdentity.accountId
		user_type userIdentity.type
		src_user_type userIdentity.type
		user_id userIdentity.principalId
		src_user_id userIdentity.principalId
		src_user_role userIdentity.sessionContext.sessionIssuer.userName
		rule_action requestParameters.ruleAction
		vpc_id requestParameters.vpcId`)...)
	Register(aliases(GroupAddon, Address, `
		src sourceIPAddress
		src_ip sourceIPAddress`)...)
	Register(aliases(GroupAddon, Moment, `start_time eventTime`)...)
	// Names used by earlier versions of the add-on, which searches written for
	// those versions still use.
	Register(onRequest(aliases(GroupAddon, Text, `
		event_name eventName
		http_user_agent userAgent`))...)
	Register(onRequest(aliases(GroupAddon, Boolean, `mfa_auth userIdentity.sessionContext.attributes.mfaAuthenticated`))...)
}

// aliases are fields that only rename a leaf of the record: a name and a leaf
// per line.
func aliases(g Group, t Type, table string) []Field {
	words := strings.Fields(table)
	var list []Field
	for i := 0; i < len(words); i += 2 {
		list = append(list, Field{Name: words[i], Group: g, Type: t, From: words[i+1 : i+2], Doc: "The same as `" + words[i+1] + "`."})
	}
	return list
}

// onRequest marks fields that are computed only for searches that name them.
func onRequest(fields []Field) []Field {
	for i := range fields {
		fields[i].OnRequest = true
	}
	return fields
}

// group assigns fields to a group and sets their type to text if they have
// none.
func group(g Group, fields []Field) []Field {
	for i := range fields {
		fields[i].Group = g
		if fields[i].Type == "" {
			fields[i].Type = Text
		}
	}
	return fields
}
