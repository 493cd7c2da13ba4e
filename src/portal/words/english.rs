//! The portal in English.

use super::Words;

/// English, for visitors and exchange pupils.
pub(in crate::portal) const ENGLISH: Words = Words {
    portal: "Network portal",
    skip: "Skip to content",
    other_language: "Français",
    footer: "The portal knows this device by its address on the network. It sets no cookie, \
             except to remember the language you choose.",
    back_home: "Back to the home page",

    sign_in: "Sign in",
    sign_in_intro: "To reach the Internet, sign in with your school account.",
    sign_in_not_asked: "This network needs no sign-in. Sign in if you want the rules of your account to apply.",
    login: "User name",
    password: "Password",
    sign_in_help: "Forgotten your user name or password? Ask an adult of the school or its digital referent.",
    sign_in_record: "The law asks the school to keep who signed in, when, and from which machine. Sites asked for \
                     are noted apart, under a pseudonym that changes every day.",
    signed_out: "This device is signed out.",
    wrong_credentials: "Wrong user name or password. Check capital letters, then try again.",
    busy: "Many people are signing in right now. Try again in a few seconds.",
    sign_in_not_recorded: "The school’s server cannot write anything down for the moment, so it can sign nobody in. \
                           Please tell the digital referent.",
    form_unread: "The form arrived incomplete. Try again.",

    home: "Home",
    hello: "Hello",
    you_are: "You are",
    classes: "Classes",
    until: "Signed in until",
    network: "Network",
    machine_registered: "The school has registered this machine: it needs no sign-in.",
    go_on: "Go on to",
    reachable: "What you can reach",
    web: "The web",
    web_open: "Open, except what the rules of the académie, the département and the school close.",
    web_closed: "Closed, except the sites that the rules of the académie, the département and the school open.",
    clock_in_doubt: "The network is not sure of the time: what opens at certain hours only stays closed. Tell the school’s digital referent if it lasts.",
    services: "Other services",
    no_services: "None.",
    why_blocked: "A site does not open?",
    why_blocked_label: "Address of the site",
    why_blocked_hint: "For example: exemple.fr. The portal says whether a rule blocks it, and why.",
    find_out: "Find out why",
    sign_out: "Sign out",
    sign_out_shared: "On a shared computer, sign out before you leave.",

    blocked: "This site is blocked",
    decided_by: "Who decided",
    rule: "Rule",
    matched: "What the rule is about",
    may_open: "Who may open it",
    page_only: "The rest of the site is not meant. The rule holds for the address in http; in https the filter sees \
                only the site’s name.",
    what_to_do: "What you can do",
    advice_lesson: "Are you a pupil and need it for a lesson? Speak to your teacher.",
    advice_cite: "If you think this is a mistake, give the site’s address and the rule’s name to the school’s \
                  digital referent, who knows whom to tell.",
    advice_elsewhere: "This rule comes from above the school, which cannot lift it by itself.",
    reason_default: "On this network a site is closed until a rule opens it.",
    reason_opening: "This site is closed for the time of an activity.",
    reason_none: "A filtering rule closes this site.",
    by_academie: "The académie (education authority)",
    by_departement: "The département",
    by_etablissement: "The school",
    by_groupe: "The school, for your class or group",
    by_teacher: "A teacher, for a while",
    by_zone: "The school, for this whole network",
    matched_engine: "The search engine without a safe mode",
    matched_site: "The site",
    matched_page: "The page",
    matched_address: "The address of this site",
    matched_everything: "Every site",

    open: "This site is open to you",
    open_now: "No rule blocks it for you at this moment. If it does not appear, the fault lies elsewhere: \
               try again later.",
    open_name_only: "No rule closes its name for you at this moment. Some of its pages may be closed in http; in \
                     https the filter sees only the site’s name.",
    open_soon: "Your browser still remembers the former answer. The page will load by itself in a few seconds.",
    reload: "Load the page",

    no_such_page: "There is no such page",
    no_such_page_text: "The address may have been copied wrongly.",
    bad_request: "Unreadable request",
    bad_request_text: "The portal did not understand what the browser asked for.",
    not_a_site: "This is not the address of a site",
    not_a_site_text: "Write the site’s name, such as exemple.fr, or copy its address from the browser.",
    foreign_form: "Form refused",
    foreign_form_text: "This form does not come from a page of the portal. Go back to the home page and start again.",
    other_name: "Not here",
    other_name_text: "This address is not the portal’s.",
    not_recorded: "The Internet is closed for the moment",
    not_recorded_text: "The school’s server cannot keep its record any more; as long as this lasts it lets nothing \
                        through. Please tell the digital referent.",
    sign_in_needed_text: "You must sign in to the school’s network to reach the Internet.",
};
