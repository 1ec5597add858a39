/* The page on which people rank responses or mark them as harmless: served by `rlaif serve`, or alone in a file. It knows
 * texts, never who wrote them. Everything goes onto the page as text, never as markup.
 *
 * data: {kind: "rank" | "harmless", page, seed, question, token (served; null in a file),
 *        items: [{id, prompt: text | [{role, content}], texts: [text]}]}
 * A rating is, of "rank", the place of every text, 1 the best; of "harmless", true or false. */
"use strict";
(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const ranks = data.kind === "rank", served = data.token !== null;
    const $ = (id) => document.getElementById(id);
    const ordinal = ["best", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th"];

    let rater = null;
    let order = [];         // items, as this rater meets them
    let at = 0;             // of order
    let ratings = {};       // by item
    let chosen = [];        // texts of the item at hand, the best first
    let saving = false;
    let forgetful = false;  // this browser keeps nothing
    let downloaded = true;  // what there is

    const make = (tag, name, text) => {
        const e = document.createElement(tag);
        if (name) e.className = name;
        if (text !== undefined) e.textContent = text;
        return e;
    };

    /* --- order: its own for every rater, the same again for the same name --- */

    /* 32 bits of a text: FNV-1a, then stirred so that all bits depend on all characters. */
    const hash = (text) => {
        let h = 0x811c9dc5;
        for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
        h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        return (h ^ (h >>> 16)) >>> 0;
    };
    const shuffled = (list, name) =>
        list.map((value, i) => [hash(`${data.seed} ${rater} ${name(value, i)}`), i, value])
            .sort((a, b) => a[0] - b[0] || a[1] - b[1])
            .map((entry) => entry[2]);
    const cards = (item) => shuffled(item.texts.map((_, i) => i), (i) => `${item.id} ${i}`);

    /* --- where ratings are kept: on the server, or in this browser --- */

    const key = () => `rlaif ${data.page} ${rater}`;
    const load = async () => {
        if (!served) {
            try { return JSON.parse(localStorage.getItem(key())) || {}; } catch { return {}; }
        }
        const answer = await fetch(`/ratings?kind=${data.kind}&rater=${encodeURIComponent(rater)}`);
        const said = await answer.json();
        if (!answer.ok) throw new Error(said.error);
        return said.ratings;
    };
    const keep = async (item, value) => {
        if (!served) {
            ratings[item.id] = value;
            downloaded = false;
            try { localStorage.setItem(key(), JSON.stringify(ratings)); } catch { forgetful = true; }
            return;
        }
        const answer = await fetch("/rating", {
            method: "POST",
            headers: {"Content-Type": "application/json", "X-Rlaif-Token": data.token},
            body: JSON.stringify({kind: data.kind, item: item.id, rater, [ranks ? "ranks" : "harmless"]: value}),
        });
        if (!answer.ok) throw new Error((await answer.json()).error);
        ratings[item.id] = value;
    };

    /* --- what is on the page --- */

    const complain = (error) => {
        $("trouble").textContent = error ? `Not saved: ${error.message}. Choose again to try once more.`
            : forgetful ? "This browser keeps nothing: download your ratings before you close the page." : "";
        $("trouble").hidden = !$("trouble").textContent;
    };
    const rated = () => order.filter((item) => item.id in ratings).length;

    const showContext = (item) => {
        const box = $("context");
        box.replaceChildren();
        if (typeof item.prompt === "string") {
            box.append(make("div", "turn", item.prompt));
            box.scrollTop = 0;
            return;
        }
        for (const turn of item.prompt) {
            const who = turn.role === "user" ? "Human" : turn.role === "assistant" ? "Assistant" : "System";
            const e = make("div", `turn ${who.toLowerCase()}`);
            e.append(make("div", "who", who), make("div", "", turn.content));
            box.append(e);
        }
        box.scrollTop = box.scrollHeight; // the question that is answered stands last
    };

    const showChoice = () => {
        const n = order[at].texts.length, last = n - 1;
        for (const card of document.querySelectorAll(".card")) {
            const place = chosen.indexOf(Number(card.dataset.text));
            card.classList.toggle("chosen", ranks && place >= 0);
            card.classList.toggle("best", ranks && place === 0);
            card.setAttribute("aria-pressed", String(place >= 0));
            card.querySelector(".place").textContent =
                !ranks || place < 0 ? "" : place === last && n > 2 ? "last" : n === 2 && place ? "worse" : ordinal[place];
        }
        for (const button of document.querySelectorAll(".verdict"))
            button.setAttribute("aria-pressed", String(ratings[order[at].id] === (button.id === "harmless")));
        $("save").disabled = chosen.length < n;
        $("undo").disabled = chosen.length === 0;
        $("next").disabled = at + 1 >= order.length;
        $("back").disabled = at === 0;
    };

    const show = () => {
        const item = order[at], value = ratings[item.id], box = $("cards"), known = cards(item);
        $("done").hidden = true;
        $("work").hidden = false;
        chosen = [];
        if (ranks && value) chosen = known.slice().sort((a, b) => value[a] - value[b]);
        showContext(item);
        box.replaceChildren();
        known.forEach((text, i) => {
            const card = make("div", "card"), head = make("div", "head");
            card.dataset.text = text;
            if (ranks) {
                head.append(make("kbd", "", String(i + 1)), make("span", "place"));
                card.tabIndex = 0;
                card.setAttribute("role", "button");
                card.addEventListener("click", () => { if (getSelection().isCollapsed) choose(text); });
            } else {
                head.append(make("span", "who", "Assistant"), make("span", "place"));
            }
            const words = make("div", "text", item.texts[text].trimStart());
            if (item.texts[text].trim() === "") words.replaceChildren(make("i", "", "(an empty response)"));
            card.append(head, words);
            box.append(card);
        });
        $("count").textContent = `${at + 1} of ${order.length}`;
        showProgress();
        showChoice();
        complain(null);
        scrollTo(0, 0);
    };

    const showProgress = () => {
        const n = rated();
        $("bar").style.width = `${(100 * n) / order.length}%`;
        $("left").textContent = n === order.length ? "all rated" : `${order.length - n} to go`;
        if (!served) $("download").hidden = n === 0;
    };

    const finish = () => {
        $("work").hidden = true;
        $("done").hidden = false;
        $("count").textContent = "";
        showProgress();
    };

    /* --- what people do --- */

    const go = (to) => {
        if (saving || to < 0 || to >= order.length) return;
        at = to;
        show();
    };
    /* The next one that is not rated, from here on and then from the beginning. */
    const onward = () => {
        for (let i = 1; i <= order.length; i++) {
            const to = (at + i) % order.length;
            if (!(order[to].id in ratings)) { at = to; show(); return; }
        }
        finish();
    };
    const save = async (value) => {
        if (saving) return;
        saving = true;
        try {
            await keep(order[at], value);
            saving = false;
            onward();
        } catch (error) {
            saving = false;
            complain(error);
        }
    };
    const choose = (text) => {
        const place = chosen.indexOf(text), n = order[at].texts.length;
        if (place >= 0) chosen = chosen.slice(0, place);
        else chosen.push(text);
        if (chosen.length === n - 1 && place < 0) // what is left comes last
            chosen.push(order[at].texts.map((_, i) => i).find((i) => !chosen.includes(i)));
        showChoice();
    };
    const undo = () => {
        const n = order[at].texts.length;
        chosen = chosen.slice(0, chosen.length === n ? n - 2 : -1);
        showChoice();
    };
    const confirm = () => {
        if (!ranks || chosen.length < order[at].texts.length) return;
        const value = [];
        chosen.forEach((text, place) => { value[text] = place + 1; });
        save(value);
    };

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
        if (event.key === "ArrowLeft" && !$("done").hidden) { show(); event.preventDefault(); return; }
        if (!rater || $("work").hidden) return;
        const known = cards(order[at]), digit = event.key >= "1" && event.key <= "9" ? Number(event.key) : 0;
        const button = event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ");
        const card = event.target.classList.contains("card") && event.key === " ";
        let used = true;
        if (button) return;
        if (card && ranks) choose(Number(event.target.dataset.text));
        else if (ranks && digit && digit <= known.length) choose(known[digit - 1]);
        else if (!ranks && (digit === 1 || digit === 2)) save(digit === 1);
        else if (event.key === "Enter" && ranks) confirm();
        else if (event.key === "Backspace" && ranks && chosen.length) undo();
        else if (event.key === "ArrowLeft") go(at - 1);
        else if (event.key === "ArrowRight") go(at + 1);
        else used = false;
        if (used) event.preventDefault();
    });
    $("save").addEventListener("click", confirm);
    $("undo").addEventListener("click", undo);
    $("back").addEventListener("click", () => go(at - 1));
    $("next").addEventListener("click", () => go(at + 1));
    $("again").addEventListener("click", show);
    $("harmless").addEventListener("click", () => save(true));
    $("harmful").addEventListener("click", () => save(false));

    /* --- a file alone: out and in --- */

    $("download").addEventListener("click", () => {
        const lines = order.filter((item) => item.id in ratings).map((item) => JSON.stringify(
            {page: data.page, kind: data.kind, item: item.id, rater, [ranks ? "ranks" : "harmless"]: ratings[item.id]}));
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], {type: "application/jsonl"}));
        link.download = `ratings-${rater.replace(/[^\p{L}\p{N}]+/gu, "-")}.jsonl`;
        link.click();
        downloaded = true;
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });

    addEventListener("beforeunload", (event) => { if (forgetful && !downloaded) event.preventDefault(); });

    /* --- beginning --- */

    const begin = async (name) => {
        rater = name;
        order = shuffled(data.items, (item) => item.id);
        try {
            ratings = await load();
        } catch (error) {
            $("welcome-trouble").textContent = `Your ratings cannot be read: ${error.message}`;
            rater = null;
            return;
        }
        try { localStorage.setItem("rlaif rater", name); } catch { /* it is asked again */ }
        $("name").blur(); /* or the keys that come before the next frame still go to it */
        $("welcome").hidden = true;
        $("who").textContent = name;
        $("top").hidden = false;
        at = order.length - 1;
        onward();
    };
    $("welcome").addEventListener("submit", (event) => {
        event.preventDefault();
        const name = $("name").value.trim();
        if (name) begin(name);
    });
    $("other").addEventListener("click", () => {
        if (saving) return;
        rater = null;
        $("work").hidden = $("done").hidden = $("top").hidden = true;
        $("welcome").hidden = false;
        $("name").select();
    });
    document.body.classList.add(data.kind);
    $("question").textContent = data.question;
    $("size").textContent = `${data.items.length} ${data.items.length === 1 ? "item" : "items"}`;
    try { $("name").value = localStorage.getItem("rlaif rater") || ""; } catch { /* nothing is kept */ }
    $("name").select();
    $("send").hidden = served;
})();
