// The draft of a new request: kept on the server a second after typing stops, under its target and language.
"use strict";

globalThis.RequestDraft = {
  // `written` gives the named parameters as one text.
  mount(form, token, written) {
    const PAUSE_MS = 1000;
    const state = document.querySelector("[data-draft-state]");
    const notice = document.querySelector("[data-in-the-way]");
    const discard = form.querySelector("[data-discard]");
    const own = ["statement", "reason", "ticket", "parameters", "expects"];
    let changed = false;
    let left = false;
    let timer = 0;
    let saving = Promise.resolve();
    // Where another text is in the way, until its author chooses or goes elsewhere.
    let blocked = "";

    const place = () => `${form.elements.target.value} ${form.elements.language.value}`;
    const said = (text) => (state.textContent = text);

    function body(instead) {
      const data = new FormData(form);
      for (const name of [...data.keys()]) if (name.startsWith("named-")) data.delete(name);
      data.set("named", written());
      data.set("expects", form.elements.expects.value);
      if (instead) data.set("instead", "1");
      return data;
    }

    function touched() {
      changed = true;
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE_MS);
    }

    // One after the other, so that the text typed last is the one that stays.
    function save(instead = false) {
      saving = saving.then(() => send(instead));
      return saving;
    }

    async function send(instead) {
      const empty = !form.elements.kept.value && !written() && own.every((name) => !form.elements[name].value.trim());
      if (left || empty || (!instead && blocked === place())) return;
      const where = place();
      changed = false;
      try {
        const response = await fetch(form.dataset.draft, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, body: body(instead) });
        const answer = await response.json();
        if (response.status === 409) return inTheWay(where, answer);
        if (!response.ok) throw new Error(answer.message ?? answer.error?.message ?? "");
        kept(answer);
      } catch (error) {
        changed = true;
        const why = error instanceof SyntaxError || !error.message ? "Copy your text before you leave." : error.message;
        said(`The draft could not be saved. ${why}`);
      }
    }

    function kept(answer) {
      form.elements.kept.value = answer.draft;
      form.elements.seen.value = answer.seen;
      blocked = "";
      notice.hidden = true;
      discard.hidden = false;
      if (!left) history.replaceState(null, "", answer.address);
      said(`Draft saved at ${answer.at}`);
    }

    function inTheWay(where, answer) {
      blocked = where;
      changed = true;
      notice.querySelector("[data-message]").textContent = answer.message;
      notice.querySelector("a").href = answer.address;
      notice.hidden = false;
      said("Not saved");
    }

    notice.querySelector("button").addEventListener("click", () => save(true));
    addEventListener("beforeunload", (event) => {
      if (!changed || left) return;
      save();
      event.preventDefault();
    });
    addEventListener("pageshow", (event) => event.persisted && (left = false));
    return { touched, left: () => (left = true) };
  },
};
