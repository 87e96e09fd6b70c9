package send

import (
	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/detect/rule"
)

// ocsfVersion is the version of the schema that findings are written in.
const ocsfVersion = "1.3.0"

var (
	ocsfSeverities = map[rule.Severity]int{rule.Informational: 1, rule.Low: 2, rule.Medium: 3, rule.High: 4, rule.Critical: 5}
	ocsfActivities = map[alert.Change]int{alert.Raised: 1, alert.Worsened: 2, alert.Reopened: 2, alert.Ended: 3}
	ocsfStatuses   = map[alert.Status]int{alert.New: 1, alert.InProgress: 2, alert.Closed: 4}
	ocsfVerdicts   = map[alert.Verdict]int{alert.False: 1, alert.True: 2, alert.Benign: 5, alert.Duplicate: 10}
)

// ocsf returns a message as a Detection Finding, class 2004, with the profiles cloud and
// incident. Times are unix milliseconds.
// https://schema.ocsf.io/1.3.0/classes/detection_finding
func ocsf(m *message.Message) object {
	activity := max(1, ocsfActivities[m.Change])
	f := object{
		"activity_id": activity, "category_uid": 2, "class_uid": 2004, "type_uid": 200400 + activity,
		"time": m.Time.UnixMilli(), "severity_id": ocsfSeverities[message.Severity([]message.Message{*m})], "status_id": 1, "is_alert": true,
		"metadata": object{"version": ocsfVersion, "uid": m.Key, "profiles": []string{"cloud", "incident"}, "product": object{"name": "bluetrail", "vendor_name": "bluetrail"}},
		"cloud":    object{"provider": "AWS"},
	}
	if m.Test {
		f["verdict_id"] = 6
	}
	a := m.Alert
	if a == nil {
		f["finding_info"] = object{"uid": m.Key, "title": m.Heading()}
		f["unmapped"] = object{"result": m.Result}
		return f
	}
	var attacks []object
	for _, t := range a.Mitre {
		attacks = append(attacks, object{"version": "17", "technique": object{"uid": t}})
	}
	f["status_id"] = max(1, ocsfStatuses[a.Status])
	f["count"], f["message"], f["risk_score"] = a.Count, a.Summary, int(a.Risk)
	if v := ocsfVerdicts[a.Verdict]; v != 0 && !m.Test {
		f["verdict_id"] = v
	}
	if a.Assignee != "" {
		f["assignee"] = object{"name": a.Assignee}
	}
	f["finding_info"] = object{
		"uid": a.ID, "title": a.Title, "desc": a.Summary, "created_time": a.Created.UnixMilli(), "modified_time": a.Updated.UnixMilli(),
		"first_seen_time": a.First.UnixMilli(), "last_seen_time": a.Last.UnixMilli(), "attacks": attacks,
		"analytic": object{"uid": a.RuleID, "name": a.Rule, "type_id": 1}, "related_events": related(a),
	}
	f["cloud"] = cloud(a)
	f["evidences"] = evidences(a)
	f["resources"] = resources(a)
	f["unmapped"] = object{"number": a.Number, "entity": a.Entity, "entity_kind": a.EntityKind, "actor_class": a.ActorClass, "actor_chain": a.Chain, "notes": a.Notes, "exposure": a.Exposure, "unusual": a.Unusual, "next_steps": a.NextSteps}
	return f
}

func cloud(a *alert.Alert) object {
	c := object{"provider": "AWS"}
	if len(a.Account) > 0 {
		c["account"] = object{"uid": a.Account[0], "type_id": 10}
	}
	if len(a.Region) > 0 {
		c["region"] = a.Region[0]
	}
	return c
}

func related(a *alert.Alert) (list []object) {
	for _, id := range a.EventIDs {
		list = append(list, object{"uid": id})
	}
	return list
}

func resources(a *alert.Alert) (list []object) {
	for _, o := range a.Object {
		list = append(list, object{"uid": o})
	}
	return list
}

// evidences returns who called what from where.
func evidences(a *alert.Alert) (list []object) {
	base := func() object {
		e := object{}
		if len(a.Actor) > 0 {
			e["actor"] = object{"user": object{"name": a.Actor[0]}}
		}
		return e
	}
	for _, name := range a.EventName {
		e := base()
		e["api"] = object{"operation": name}
		list = append(list, e)
	}
	for _, s := range a.Sources {
		e := base()
		end := object{"ip": s.Address}
		if s.Country != "" {
			end["location"] = object{"country": s.Country}
		}
		if s.ASN != 0 {
			end["autonomous_system"] = object{"number": s.ASN, "name": s.Network}
		}
		e["src_endpoint"] = end
		list = append(list, e)
	}
	return list
}
