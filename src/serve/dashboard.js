// What a run has come to, asked anew while somebody looks.
"use strict";
const now = document.getElementById("now"), lost = document.getElementById("lost");
let known = "";

const look = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("/now");
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (known !== text) now.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    known = text;
    lost.hidden = true;
  } catch (error) {
    lost.hidden = false; // the server was stopped
  }
};
setInterval(look, 3000);
document.addEventListener("visibilitychange", look);
