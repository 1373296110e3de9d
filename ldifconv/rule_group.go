package ldifconv

import (
	"bytes"
	"fmt"

	"imsconv/ldifconv/internal/access"
	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/schema"
)

const (
	simsList = "draft-srivastava-ldap-mail-00 4"
	nmsList  = "Directory Server 4.0 schema, attri163 to attri177"
)

// groupRules turn mailing lists of either product into those of iMS.
var groupRules = []rule{
	{
		name: "group-classes", from: AnySource, kind: Groups,
		what:   "a list gets groupOfUniqueNames (when it has a cn), inetMailGroup, inetLocalMailRecipient, inetMailGroupManagement and nsManagedMailList",
		source: "Schema Reference 5.0, table 1-1",
		apply: func(d *draft, _ *ruleOptions) bool {
			before := d.classes
			if d.has(schema.CN) {
				d.addClass(schema.ClassGroupOfUniqueNames)
			}
			d.addClass(schema.ClassInetMailGroup, schema.ClassInetLocalMailRecipient,
				schema.ClassInetMailGroupManagement, schema.ClassNsManagedMailList)
			return d.classes != before
		},
	},
	{
		name: "nms-group-classes", from: NMS, kind: Groups,
		classes: []classID{
			schema.ClassMailGroup, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser,
			schema.ClassMailGroupManagement, schema.ClassMailGroupManagementGlobalConfig,
			schema.ClassMailGroupMember, schema.ClassGroupOfMailEnhancedUniqueNames,
		},
		what:       "classes mailGroup, mailGroupManagement, mailGroupMember and groupOfMailEnhancedUniqueNames go, unless the site keeps all, and those of a user",
		source:     "Messaging Server 6.3 Administration Guide 9.1.3.1",
		documented: true,
		apply:      nmsGroupClasses,
	},
	{
		name: "sims-group-version", from: SIMS, kind: Groups,
		needs:  []attrID{schema.InetMailGroupVersion},
		what:   "inetMailGroupVersion goes",
		source: simsList + " (not in the iMS class)",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.remove(schema.InetMailGroupVersion)
			return true
		},
	},
	{
		name: "group-status", from: AnySource, kind: Groups,
		what:       "inetMailGroupStatus is active when missing",
		source:     "Schema Reference, inetMailGroupStatus",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			return setMissing(d, schema.InetMailGroupStatus, "active")
		},
	},
	{
		name: "group-members", from: AnySource, kind: Groups,
		needs:      []attrID{schema.RFC822MailMember},
		what:       "rfc822MailMember becomes mgrpRFC822MailMember: a list may have one of the two names only",
		source:     simsList + "; Schema Reference, mgrpRFC822MailMember",
		documented: true,
		apply:      rename(schema.RFC822MailMember, schema.MgrpRFC822MailMember),
	},
	{
		name: "nms-member-parameters", from: NMS, kind: Groups,
		needs:  []attrID{schema.MgrpRFC822MailMember},
		what:   "a member address loses the parameters behind its domain, from the first % or blank on; a % before the @ stays",
		source: nmsList + "; draft-steinback-ldap-mailgroups-00",
		apply: func(d *draft, _ *ruleOptions) bool {
			return rewriteValues(d, schema.MgrpRFC822MailMember, delivery.WithoutParameters)
		},
	},
	{
		name: "nms-enhanced-members", from: NMS, kind: Groups,
		needs:  []attrID{schema.MailEnhancedUniqueMember},
		what:   "mailEnhancedUniqueMember becomes uniqueMember without its parameters; what is no DN stays and is a problem",
		source: nmsSchema + "; Schema Reference, groupOfUniqueNames",
		apply: func(d *draft, _ *ruleOptions) bool {
			fired := moveDNs(d, schema.MailEnhancedUniqueMember, schema.UniqueMember, plainDN)
			if d.has(schema.MailEnhancedUniqueMember) {
				d.addClass(schema.ClassGroupOfMailEnhancedUniqueNames) // which allows it
			}
			return fired
		},
	},
	{
		name: "sims-membership-filter", from: SIMS, kind: Groups,
		needs:  []attrID{schema.MembershipFilter},
		what:   "membershipFilter becomes mgrpDeliverTo, both an LDAP URL; one without a base, or that is no LDAP URL, or whose filter cannot be read, stays and is a problem",
		source: simsList + "; Schema Reference, mgrpDeliverTo",
		apply:  simsMembershipFilter,
	},
	{
		name: "sims-errors-to", from: SIMS, kind: Groups,
		needs:  []attrID{schema.ErrorsTo},
		what:   "errorsTo becomes mgrpErrorsTo",
		source: simsList + "; Schema Reference, mgrpErrorsTo",
		apply: func(d *draft, _ *ruleOptions) bool {
			moveSingle(d, schema.ErrorsTo, schema.MgrpErrorsTo)
			return true
		},
	},
	{
		name: "sims-requests-to", from: SIMS, kind: Groups,
		needs:  []attrID{schema.RequestsTo, schema.SuppressEmailError},
		what:   "requestsTo and suppressEmailError go: iMS has nothing like them",
		source: simsList + " (not in the iMS class)",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.has(schema.RequestsTo) {
				d.warnf("requests-to", "requestsTo %s dropped: make a list of its own for the -request address", d.several(schema.RequestsTo))
				d.remove(schema.RequestsTo)
			}
			if d.has(schema.SuppressEmailError) {
				d.warnf("suppress-error", "suppressEmailError %s dropped", d.several(schema.SuppressEmailError))
				d.remove(schema.SuppressEmailError)
			}
			return true
		},
	},
	{
		name: "sims-submitters", from: SIMS, kind: Groups,
		needs:  []attrID{schema.AuthorizedDomain, schema.UnauthorizedDomain, schema.AuthorizedSubmitter, schema.UnauthorizedSubmitter},
		what:   "authorizedDomain, unauthorizedDomain, authorizedSubmitter and unauthorizedSubmitter become mgrpAllowedDomain, mgrpDisallowedDomain, mgrpAllowedBroadcaster and mgrpDisallowedBroadcaster",
		source: simsList + "; Schema Reference, mgrpAllowedDomain and its siblings",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.rename(schema.AuthorizedDomain, schema.MgrpAllowedDomain)
			d.rename(schema.UnauthorizedDomain, schema.MgrpDisallowedDomain)
			d.rename(schema.AuthorizedSubmitter, schema.MgrpAllowedBroadcaster)
			d.rename(schema.UnauthorizedSubmitter, schema.MgrpDisallowedBroadcaster)
			return true
		},
	},
	{
		name: "sims-moderator", from: SIMS, kind: Groups,
		needs:  []attrID{schema.Moderator},
		what:   "moderator becomes mgrpModerator, with mgrpMsgRejectAction toModerator and the moderators as mgrpAllowedBroadcaster: iMS sends only refused mail to moderators, SIMS all of it",
		source: simsList + "; Schema Reference, mgrpModerator",
		apply:  simsModerator,
	},
	{
		name: "nms-allowed-domain", from: NMS, kind: Groups, meaning: true,
		needs:      []attrID{schema.MgrpAllowedDomain},
		what:       "mgrpAllowedDomain x.com, which matched the domains below it, gets *.x.com beside it: iMS matches by wildcard",
		source:     "Directory Server 4.0 schema, attri164; Schema Reference, mgrpAllowedDomain",
		documented: true,
		apply:      nmsAllowedDomain,
	},
	{
		name: "list-domains", from: AnySource, kind: Groups,
		needs:  listDomains,
		what:   "mgrpAllowedDomain and mgrpDisallowedDomain stay; one that is no domain, with wildcards or without, matches nobody and is a problem",
		source: simsList + "; Directory Server 4.0 schema, attri164; Schema Reference, mgrpAllowedDomain",
		apply:  listDomainForm,
	},
	{
		name: "list-urls", from: AnySource, kind: Groups,
		needs:  urlAttributes,
		what:   "ldap://DN becomes ldap:///DN and \"mailto: x\" mailto:x; a bare address of a broadcaster or moderator gets mailto:; what is neither a URL of these nor an address, and an LDAP URL without a base or with a scope or filter that cannot be read, stays and is a problem; a warning for an address without a domain",
		source: simsList + ".1; " + nmsList + "; RFC 1959",
		apply:  listURLs,
	},
	{
		name: "deliver-to", from: AnySource, kind: Groups,
		needs:  []attrID{schema.MgrpDeliverTo},
		what:   "mgrpDeliverTo stays; one that is no LDAP URL, has no base or an unknown scope, or whose filter cannot be read, is a problem, as such a membershipFilter is",
		source: nmsList + "; Schema Reference, mgrpDeliverTo",
		apply: func(d *draft, _ *ruleOptions) bool {
			for _, v := range d.values(schema.MgrpDeliverTo) {
				if why := delivery.SearchFault(v); why != "" {
					d.stays("deliver-to", schema.MgrpDeliverTo, v, why)
				}
			}
			return false
		},
	},
	{
		name: "errors-to-single", from: AnySource, kind: Groups,
		needs:  []attrID{schema.MgrpErrorsTo},
		what:   "of several mgrpErrorsTo the first stays, as of several errorsTo",
		source: "Schema Reference, mgrpErrorsTo (single-valued)",
		apply: func(d *draft, _ *ruleOptions) bool {
			return keepFirst(d, schema.MgrpErrorsTo)
		},
	},
	{
		name: "list-size", from: AnySource, kind: Groups,
		needs:  []attrID{schema.MgrpMsgMaxSize},
		what:   "mgrpMsgMaxSize stays; one that is no number of bytes is a problem",
		source: "Schema Reference, mgrpMsgMaxSize",
		apply: func(d *draft, _ *ruleOptions) bool {
			for _, v := range d.values(schema.MgrpMsgMaxSize) {
				if len(bytes.Trim(trimBlanks(v), "0123456789")) > 0 {
					d.stays("list-size", schema.MgrpMsgMaxSize, v, "is no number of bytes")
				}
			}
			return false
		},
	},
	{
		name: "sims-joinable", from: SIMS, kind: Groups,
		needs:  []attrID{schema.Joinable, schema.Expandable},
		what:   "joinable becomes mgmanJoinability and expandable mgmanMemberVisibility: TRUE is all, FALSE none; any other value, one that contradicts another, and FALSE beside what iMS has there already and is not none, stays and is a problem",
		source: simsList + "; Schema Reference, inetMailGroupManagement",
		apply: func(d *draft, _ *ruleOptions) bool {
			fired := moveSwitch(d, schema.Joinable, schema.MgmanJoinability)
			return moveSwitch(d, schema.Expandable, schema.MgmanMemberVisibility) || fired
		},
	},
	{
		name: "sims-list-delivery", from: SIMS, kind: Groups, meaning: true,
		needs:      []attrID{schema.MailDeliveryOption},
		what:       "mailDeliveryOption file and program stay and get members beside them, since SIMS mailed the members in addition; shared goes",
		source:     simsList + "; Schema Reference, mailDeliveryOption",
		documented: true,
		apply:      simsListDelivery,
	},
	{
		name: "sims-list-file", from: SIMS, kind: Groups,
		needs:      []attrID{schema.MailDeliveryFile},
		what:       "mailDeliveryFile becomes mailDeliveryFileURL, a path in both",
		source:     simsList + "; Schema Reference, mailDeliveryFileURL",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			d.warnf("delivery-file", "list is delivered to %.200q: the path must exist on the new server", d.first(schema.MailDeliveryFile))
			moveSingle(d, schema.MailDeliveryFile, schema.MailDeliveryFileURL)
			return true
		},
	},
	{
		name: "nms-reject-action", from: NMS, kind: Groups,
		needs:  []attrID{schema.MgrpMsgRejectAction},
		what:   "mgrpMsgRejectAction loses its prefix SIZE:, DOMAIN: or SENDER:, bounce becomes reply, several become one, toModerator first; a lone value that is not known stays, one beside another is dropped, and is a problem",
		source: nmsList + "; draft-steinback-ldap-mailgroups-00; Schema Reference, mgrpMsgRejectAction",
		apply:  nmsRejectAction,
	},
	{
		name: "nms-reject-text", from: NMS, kind: Groups,
		needs:  []attrID{schema.MgrpMsgRejectText},
		what:   "mgrpMsgRejectText loses its prefix SIZE:, DOMAIN: or SENDER: and keeps one value; a warning when it is not ASCII",
		source: nmsList + "; draft-steinback-ldap-mailgroups-00; Schema Reference, mgrpMsgRejectText",
		apply:  nmsRejectText,
	},
	{
		name: "nms-broadcaster-policy", from: NMS, kind: Groups,
		needs:      []attrID{schema.MgrpBroadcasterPolicy},
		what:       "a value of mgrpBroadcasterPolicy that iMS does not know stays and is a problem",
		source:     "Schema Reference, mgrpBroadcasterPolicy",
		documented: true,
		apply:      nmsBroadcasterPolicy,
	},
	{
		name: "nms-approve-password", from: NMS, kind: Groups,
		needs:  []attrID{schema.MgrpApprovePassword},
		what:   "mgrpApprovePassword becomes mgrpAuthPassword, with mgrpBroadcasterPolicy PASSWORD_REQUIRED",
		source: nmsList + "; Schema Reference, mgrpAuthPassword",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.warn("list-password", "mgrpApprovePassword is now mgrpAuthPassword: posts need it in their Approved header")
			moveSingle(d, schema.MgrpApprovePassword, schema.MgrpAuthPassword)
			d.add(schema.MgrpBroadcasterPolicy, "PASSWORD_REQUIRED")
			return true
		},
	},
	{
		name: "nms-list-manager", from: NMS, kind: Groups,
		needs:   listManagerAttributes,
		classes: []classID{schema.ClassMailGroupManagement, schema.ClassMailGroupManagementGlobalConfig},
		what:    "mgmanGroupKey, mgmanGroupStat, mgmanJoinLocalType, attributes called mgmanGConf..., the mgmem attributes, mgrpDeliverException and the list's userCertificate go",
		source:  "ns-mlm-schema.conf of Directory Server 4.12 (not in the iMS classes)",
		apply:   nmsListManager,
	},
	{
		name: "list-password", from: AnySource, kind: Groups,
		needs:  []attrID{schema.UserPassword},
		what:   "userPassword of a list goes: nobody logs in as a list, unless it is a user too",
		source: simsList + "; Schema Reference, inetMailGroup",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.kind&Users != 0 {
				return false
			}
			d.warn("list-user-password", "userPassword of the list dropped")
			d.remove(schema.UserPassword)
			return true
		},
	},
}

var (
	bareURLAttributes = newAttrSet(schema.MgrpAllowedBroadcaster, schema.MgrpDisallowedBroadcaster, schema.MgrpModerator)
	urlAttributes     = []attrID{
		schema.MgrpErrorsTo, schema.MgrpModerator, schema.MgrpAllowedBroadcaster,
		schema.MgrpDisallowedBroadcaster, schema.MgrpDeliverTo,
	}
	listManagerAttributes = append([]attrID{
		schema.MgmanGroupKey, schema.MgmanGroupStat, schema.MgmanJoinLocalType, schema.MgrpDeliverException,
	}, listMemberAttributes...)
)

// rename returns a rule body that moves all values of one attribute to another.
func rename(from, to attrID) func(*draft, *ruleOptions) bool {
	return func(d *draft, _ *ruleOptions) bool {
		d.rename(from, to)
		return true
	}
}

// rewriteValues puts write's answer in the place of each value of a. Values
// that become equal stay once.
func rewriteValues(d *draft, a attrID, write func(value []byte) []byte) bool {
	values := d.values(a)
	same := true
	for _, v := range values {
		same = same && len(write(v)) == len(v)
	}
	if same {
		return false
	}
	written := make([][]byte, len(values))
	for i, v := range values {
		written[i] = write(v)
	}
	d.remove(a)
	d.addBytes(a, written...)
	return true
}

func nmsGroupClasses(d *draft, o *ruleOptions) bool {
	if d.hasClass(schema.ClassMailGroupManagementGlobalConfig) {
		d.warn("list-manager", "class mailGroupManagement_GlobalConfig dropped")
	}
	return dropOldClasses(d, o, schema.ClassMailGroup, schema.ClassMailRecipient,
		schema.ClassNsMessagingServerUser, schema.ClassMailGroupManagement, schema.ClassMailGroupManagementGlobalConfig,
		schema.ClassMailGroupMember, schema.ClassGroupOfMailEnhancedUniqueNames)
}

func simsMembershipFilter(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.MembershipFilter)
	var known [][]byte
	d.retain(schema.MembershipFilter, func(v []byte) bool {
		why := delivery.SearchFault(v)
		if why == "" {
			known = append(known, v)
			return false
		}
		d.stays("membership-filter", schema.MembershipFilter, v, why)
		return true
	})
	d.addBytes(schema.MgrpDeliverTo, known...)
	return len(d.values(schema.MembershipFilter)) < len(values)
}

func simsModerator(d *draft, o *ruleOptions) bool {
	moderators := d.values(schema.Moderator)
	text := "moderator: mgrpMsgRejectAction toModerator set and the moderators allowed to post"
	if d.has(schema.MgrpAllowedBroadcaster) {
		text += "; authorised submitters post without them"
	}
	if d.has(schema.MgrpAllowedDomain) || d.has(schema.MgrpDisallowedDomain) {
		text += "; mail from other domains, which SIMS refused, now goes to the moderators"
	}
	d.warn("moderator", text)
	d.rename(schema.Moderator, schema.MgrpModerator)
	d.set(schema.MgrpMsgRejectAction, "toModerator")
	d.addBytes(schema.MgrpAllowedBroadcaster, moderators...)
	return true
}

func nmsAllowedDomain(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.MgrpAllowedDomain)
	var below [][]byte
	for _, v := range values {
		if plain := trimBlanks(v); bytes.IndexByte(plain, '.') >= 0 && delivery.IsDomain(bytes.TrimPrefix(plain, []byte{'.'})) && access.AddressPattern(string(plain)) == "" {
			v = plain
			below = append(below, append([]byte("*."), bytes.TrimPrefix(v, []byte("."))...))
		}
	}
	d.addBytes(schema.MgrpAllowedDomain, below...)
	return len(d.values(schema.MgrpAllowedDomain)) > len(values)
}

func listURLs(d *draft, o *ruleOptions) bool {
	fired := false
	for _, a := range urlAttributes {
		if !d.has(a) {
			continue
		}
		values := d.values(a)
		written := make([][]byte, len(values))
		changed := false
		for i, v := range values {
			why := ""
			if a != schema.MgrpDeliverTo { // which has a rule of its own
				why = unlikePeer(v)
			}
			if why != "" {
				if o.follows(d, v) {
					d.problem("list-url", a, v, fmt.Sprintf("%s %s %s: it follows the map of uids, and is none after it", schema.Name(a), quoted(a, v), why))
				} else {
					d.stays("list-url", a, v, why)
				}
				written[i] = v
				continue
			}
			if a != schema.MgrpDeliverTo && bytes.IndexByte(v, '@') < 0 && !hasPrefixFold(v, "ldap") {
				d.warnf("address-domain", "%s %.200q has no domain", schema.Name(a), v)
			}
			written[i] = appendURL(nil, v, bareURLAttributes.has(a), o.EncodeURL)
			changed = changed || !bytes.Equal(written[i], v)
		}
		if changed {
			d.remove(a)
			d.addBytes(a, written...)
			fired = true
		}
	}
	return fired
}

// moveSwitch writes TRUE as all and FALSE as none. Anything else stays, and so
// does FALSE beside a new attribute that opens, and FALSE beside TRUE.
func moveSwitch(d *draft, from, to attrID) bool {
	if !d.has(from) {
		return false
	}
	word := ""
	for _, v := range d.values(from) {
		one := switchWord(v)
		switch {
		case one == "":
			d.stays("switch-value", from, v, "is neither TRUE nor FALSE")
			return false
		case word != "" && one != word:
			d.stays("switch-value", from, v, "contradicts a value before it")
			return false
		}
		word = one
	}
	if have := trimBlanks(d.first(to)); len(have) > 0 && !equalFoldString(have, word) {
		if word == "none" {
			d.stays("switch-value", from, d.first(from), fmt.Sprintf("restricts beside %s %.200q, which is there already and holds", schema.Name(to), have))
			return false
		}
		d.warnf("single-value", "%s %.200q is there already: %s %.200q dropped", schema.Name(to), have, schema.Name(from), d.first(from))
	}
	setMissing(d, to, word)
	d.remove(from)
	return true
}

// switchWord is what iMS says for TRUE or FALSE, "" for anything else.
func switchWord(v []byte) string {
	switch v = trimBlanks(v); {
	case isOneOf(v, "true"):
		return "all"
	case isOneOf(v, "false"):
		return "none"
	}
	return ""
}

func simsListDelivery(d *draft, _ *ruleOptions) bool {
	fired := false
	if d.hasValue(schema.MailDeliveryOption, "shared") {
		d.warn("delivery-option", "mailDeliveryOption shared dropped: make the shared folder anew")
		d.removeValue(schema.MailDeliveryOption, "shared")
		fired = true
	}
	if d.hasValue(schema.MailDeliveryOption, "file") || d.hasValue(schema.MailDeliveryOption, "program") {
		if !d.hasValue(schema.MailDeliveryOption, "members") {
			d.add(schema.MailDeliveryOption, "members")
			fired = true
		}
	}
	return fired
}

// cutPrefix cuts the condition that draft-steinback puts before a reject action
// or text.
func cutPrefix(v []byte) []byte {
	for _, prefix := range []string{"SIZE:", "DOMAIN:", "SENDER:"} {
		if hasPrefixFold(v, prefix) {
			return bytes.TrimLeft(v[len(prefix):], " \t")
		}
	}
	return v
}

func nmsRejectAction(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.MgrpMsgRejectAction)
	action := ""
	var unknown [][]byte
	for _, v := range values {
		switch plain := cutPrefix(v); {
		case equalFoldString(plain, "toModerator"):
			action = "toModerator"
		case equalFoldString(plain, "bounce"):
			d.warn("reject-action", "mgrpMsgRejectAction bounce is not known to iMS: reply set")
			fallthrough
		case equalFoldString(plain, "reply"):
			if action == "" {
				action = "reply"
			}
		default:
			unknown = append(unknown, v)
		}
	}
	for i, v := range unknown {
		if action == "" && i == 0 {
			d.stays("reject-action", schema.MgrpMsgRejectAction, v, "is not known")
			continue
		}
		d.problem("reject-action", schema.MgrpMsgRejectAction, v, fmt.Sprintf("mgrpMsgRejectAction %.200q is not known, and there is room for one value: dropped", v))
	}
	if action == "" {
		action = string(unknown[0])
	}
	if len(values) == 1 && equalFoldString(values[0], action) {
		return false
	}
	if len(values) > 1 {
		d.warn("reject-action", "several mgrpMsgRejectAction made one: "+action)
	}
	d.set(schema.MgrpMsgRejectAction, action)
	return true
}

func nmsRejectText(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.MgrpMsgRejectText)
	text := cutPrefix(values[0])
	if !isASCII(text) {
		d.warn("reject-text", "mgrpMsgRejectText is not ASCII: kept")
	}
	if len(values) > 1 {
		d.warnf("reject-text", "mgrpMsgRejectText keeps its first value, %d more dropped", len(values)-1)
	}
	if len(values) == 1 && len(text) == len(values[0]) {
		return false
	}
	d.setBytes(schema.MgrpMsgRejectText, text)
	return true
}

// nmsBroadcasterPolicy names the values, comma lists of words, not all of whose
// words iMS knows.
func nmsBroadcasterPolicy(d *draft, _ *ruleOptions) bool {
	for _, v := range d.values(schema.MgrpBroadcasterPolicy) {
		known := true
		eachToken(v, func(word []byte) {
			known = known && isOneOf(word, "SMTP_AUTH_REQUIRED", "AUTH_REQ", "PASSWORD_REQUIRED",
				"PASSWD_REQUIRED", "PASSWD_REQ", "OR", "AND", "NO_REQUIREMENTS")
		})
		if !known {
			d.stays("broadcaster-policy", schema.MgrpBroadcasterPolicy, v, "is not known to iMS")
		}
	}
	return false
}

func nmsListManager(d *draft, _ *ruleOptions) bool {
	attributes := listManagerAttributes
	certificates := d.hadClass(schema.ClassMailGroupManagement) && d.kind&Users == 0
	if certificates && d.has(schema.UserCertificate) {
		attributes = append(attributes[:len(attributes):len(attributes)], schema.UserCertificate)
	}
	fired := false
	for _, a := range attributes {
		if d.has(a) {
			d.warnf("list-manager", "%s %s dropped", schema.Name(a), d.several(a))
			d.remove(a)
			fired = true
		}
	}
	for i := range d.fields {
		if f := &d.fields[i]; len(f.now) > 0 && (hasPrefixFold(f.desc, "mgmanGConf") || certificates && hasPrefixFold(f.desc, "userCertificate;")) {
			d.warnf("list-manager", "%.200q dropped", f.desc)
			f.now, f.same = nil, false
			fired = true
		}
	}
	return fired
}
